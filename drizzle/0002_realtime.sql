CREATE TABLE `event_epochs` (
	`pk` integer PRIMARY KEY NOT NULL,
	`epoch` text NOT NULL,
	`secret` text NOT NULL
) STRICT;
--> statement-breakpoint
INSERT INTO `event_epochs` (`pk`, `epoch`, `secret`) VALUES (1, lower(hex(randomblob(6))), lower(hex(randomblob(16))));--> statement-breakpoint
-- nobody has read the log yet, and from here on an event says for whom it is; the newest stays, so that ids go on from it
DELETE FROM `events` WHERE `id` < (SELECT max(`id`) FROM `events`);
