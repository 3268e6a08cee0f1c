/** Files of the package, imported for where they are: a path, also inside the binary. */
declare module 'swagger-ui-dist/*' {
	const path: string;
	export default path;
}
