/**
 * Passwords of ten or more characters that are tried first by everyone who guesses: shorter ones are refused by their
 * length. Made of the words and runs that head the public lists, with the endings people add.
 */
const words = [
	'password', 'passw0rd', 'p@ssword', 'p@ssw0rd', 'qwertyuiop', 'qwerty', 'qwertz', 'azerty', 'asdfghjkl', 'zxcvbnm',
	'letmein', 'welcome', 'iloveyou', 'administrator', 'admin', 'superadmin', 'football', 'baseball', 'basketball',
	'princess', 'sunshine', 'dragon', 'monkey', 'superman', 'batman', 'starwars', 'pokemon', 'whatever', 'trustno1',
	'changeme', 'default', 'secret', 'computer', 'internet', 'samsung', 'michael', 'jennifer', 'jordan23', 'liverpool',
	'chelsea', 'manchester', 'barcelona', 'iloveyou', 'lovely', 'master', 'shadow', 'hello', 'helloworld', 'test',
	'testtest', 'guest', 'root', 'toor', 'support', 'service', 'parley', 'qazwsxedc', '1q2w3e4r', '1qaz2wsx', 'abcdefgh',
	'abcd', 'abc', 'google', 'facebook', 'linkedin', 'minecraft', 'naruto', 'summer', 'winter', 'spring', 'autumn',
]; // biome-ignore format: a list
const endings = [
	'', '1', '12', '123', '1234', '12345', '123456', '1234567', '12345678', '123456789', '1234567890', '!', '!!', '1!', '123!', '1234!', '@123', '@1234',
	'2020', '2021', '2022', '2023', '2024', '2025', '2026', '00', '000', '007', '69', '99', '321', '4321',
]; // biome-ignore format: a list
const runs = [
	'1234567890', '0123456789', '12345678910', '0987654321', '9876543210', '123456789a', 'a123456789', '1234567891', '12345678900',
	'qwertyuiop[]', '1q2w3e4r5t', '1q2w3e4r5t6y', '1qaz2wsx3edc', 'zaq12wsxcde3', 'q1w2e3r4t5', 'q1w2e3r4t5y6', 'qwerty12345', 'abcdefghij', 'abcdefghijkl',
	'abc123abc123', 'password1password1', 'correcthorsebatterystaple', 'thisisapassword', 'mypassword', 'mypassword1', 'ilovepassword', 'adminadmin', 'rootroot12',
]; // biome-ignore format: a list

export const commonPasswords: ReadonlySet<string> = new Set([
	...runs,
	...words.flatMap((word) => [...endings.map((ending) => word + ending), word + word]),
]);
