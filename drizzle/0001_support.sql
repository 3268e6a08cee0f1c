CREATE TABLE `audit_log` (
	`pk` integer PRIMARY KEY NOT NULL,
	`site` integer NOT NULL,
	`seq` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`fields` text NOT NULL,
	`at` integer NOT NULL,
	`previous` text NOT NULL,
	`hash` text NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `audit_log_by_target` ON `audit_log` (`site`,`target`,`at`);--> statement-breakpoint
CREATE INDEX `audit_log_by_actor` ON `audit_log` (`site`,`actor`);--> statement-breakpoint
CREATE INDEX `audit_log_by_action` ON `audit_log` (`site`,`action`);--> statement-breakpoint
CREATE UNIQUE INDEX `audit_log_by_site` ON `audit_log` (`site`,`seq`);--> statement-breakpoint
CREATE TABLE `audit_values` (
	`entry` integer NOT NULL,
	`field` text NOT NULL,
	`salt` text NOT NULL,
	`before` text,
	`after` text,
	`subject` integer,
	PRIMARY KEY(`entry`, `field`),
	FOREIGN KEY (`entry`) REFERENCES `audit_log`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `audit_values_of` ON `audit_values` (`subject`);--> statement-breakpoint
CREATE TABLE `conversation_writers` (
	`user` integer NOT NULL,
	`conversation` integer NOT NULL,
	PRIMARY KEY(`user`, `conversation`),
	FOREIGN KEY (`user`) REFERENCES `users`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`conversation`) REFERENCES `conversations`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `conversation_writers_of` ON `conversation_writers` (`conversation`);--> statement-breakpoint
CREATE TABLE `text_index` (
	`pk` integer PRIMARY KEY NOT NULL,
	`up_to` integer NOT NULL,
	`unswept` integer DEFAULT false NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `reports` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`ticket` integer NOT NULL,
	`reporter` integer NOT NULL,
	`reported` integer NOT NULL,
	`message` integer,
	`status` text DEFAULT 'open' NOT NULL,
	`decided_by` text,
	`decided_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`ticket`) REFERENCES `conversations`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`reporter`) REFERENCES `users`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`reported`) REFERENCES `users`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `reports_id_unique` ON `reports` (`id`);--> statement-breakpoint
CREATE INDEX `reports_by_site` ON `reports` (`site`,`status`);--> statement-breakpoint
CREATE INDEX `reports_of_ticket` ON `reports` (`ticket`);--> statement-breakpoint
CREATE INDEX `reports_by_reporter` ON `reports` (`reporter`,`created_at`);--> statement-breakpoint
CREATE INDEX `reports_open` ON `reports` (`reporter`,`reported`) WHERE "reports"."status" = 'open';--> statement-breakpoint
CREATE INDEX `reports_of_user` ON `reports` (`reported`);--> statement-breakpoint
CREATE TABLE `canned_replies` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`shortcut` text NOT NULL,
	`text` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `canned_replies_id_unique` ON `canned_replies` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `canned_replies_by_shortcut` ON `canned_replies` (`site`,`shortcut`);--> statement-breakpoint
CREATE TABLE `ticket_history` (
	`pk` integer PRIMARY KEY NOT NULL,
	`ticket` integer NOT NULL,
	`actor` text NOT NULL,
	`field` text NOT NULL,
	`before` text,
	`after` text,
	`at` integer NOT NULL,
	FOREIGN KEY (`ticket`) REFERENCES `tickets`(`conversation`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `ticket_history_of` ON `ticket_history` (`ticket`);--> statement-breakpoint
CREATE TABLE `ticket_tags` (
	`ticket` integer NOT NULL,
	`site` integer NOT NULL,
	`tag` text NOT NULL,
	PRIMARY KEY(`ticket`, `tag`),
	FOREIGN KEY (`ticket`) REFERENCES `tickets`(`conversation`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `ticket_tags_by_tag` ON `ticket_tags` (`site`,`tag`);--> statement-breakpoint
CREATE TABLE `ticket_tallies` (
	`site` integer NOT NULL,
	`status` text NOT NULL,
	`priority` text NOT NULL,
	`assigned` integer NOT NULL,
	`n` integer NOT NULL,
	PRIMARY KEY(`site`, `status`, `priority`, `assigned`),
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE TABLE `tickets` (
	`conversation` integer PRIMARY KEY NOT NULL,
	`site` integer NOT NULL,
	`number` integer NOT NULL,
	`subject` text,
	`priority` text NOT NULL,
	`category` text,
	`assignee` integer,
	`follows` integer,
	`source` integer,
	`reported` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`opened_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`waiting_since` integer,
	`first_response_at` integer,
	`resolved_at` integer,
	`closed_at` integer,
	`rating` integer,
	`rating_comment` text,
	`rated_at` integer,
	FOREIGN KEY (`conversation`) REFERENCES `conversations`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`site`,`assignee`) REFERENCES `users`(`site`,`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `tickets_by_source` ON `tickets` (`source`) WHERE "tickets"."source" is not null;--> statement-breakpoint
CREATE INDEX `tickets_by_assignee` ON `tickets` (`assignee`,`site`) WHERE "tickets"."assignee" is not null;--> statement-breakpoint
CREATE INDEX `tickets_of_moderation` ON `tickets` (`site`) WHERE "tickets"."category" = 'moderation';--> statement-breakpoint
CREATE INDEX `tickets_to_close` ON `tickets` (`site`,`resolved_at`) WHERE "tickets"."resolved_at" is not null and "tickets"."closed_at" is null;--> statement-breakpoint
CREATE INDEX `tickets_by_first_response` ON `tickets` (`site`,"first_response_at" - "opened_at") WHERE "tickets"."first_response_at" is not null;--> statement-breakpoint
CREATE INDEX `tickets_by_resolution` ON `tickets` (`site`,"resolved_at" - "opened_at") WHERE "tickets"."resolved_at" is not null;--> statement-breakpoint
CREATE INDEX `tickets_by_rating` ON `tickets` (`site`,`rating`) WHERE "tickets"."rating" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `tickets_by_number` ON `tickets` (`site`,`number`);--> statement-breakpoint
DROP INDEX `conversations_by_activity`;--> statement-breakpoint
ALTER TABLE `conversations` ADD `status` text DEFAULT 'active' NOT NULL;--> statement-breakpoint
CREATE INDEX `conversations_unread_by_desk` ON `conversations` (`site`,`unread_two`) WHERE "conversations"."type" = 'support' and "conversations"."unread_two" > 0;--> statement-breakpoint
CREATE INDEX `conversations_by_activity` ON `conversations` (`site`,`status`,`active_minute`);--> statement-breakpoint
ALTER TABLE `messages` ADD `evidence_of` integer;--> statement-breakpoint
ALTER TABLE `one_time_links` ADD `maker` integer;--> statement-breakpoint
ALTER TABLE `users` ADD `last_seen_at` integer;--> statement-breakpoint
CREATE INDEX `users_listed` ON `users` (`site`,`pk`) WHERE "users"."erased_at" is null;--> statement-breakpoint
CREATE INDEX `users_by_email` ON `users` (`site`,`email_key`) WHERE "users"."email_key" is not null;--> statement-breakpoint
CREATE INDEX `users_by_display_name` ON `users` (`site`,`display_skeleton`) WHERE "users"."display_skeleton" is not null;--> statement-breakpoint
CREATE INDEX `users_seen` ON `users` (`site`,`last_seen_at`) WHERE "users"."last_seen_at" is not null;--> statement-breakpoint
-- Full-text search: which words are in which message. Written by hand, because the tables' description knows no virtual tables.
-- Words reach it in the form in which they are compared, so its tokenizer has nothing to decide: `:` parts a word from its scope.
-- A removal notes that a row is not to be found; its words leave the file with the next sweep.
CREATE VIRTUAL TABLE `texts` USING fts5(words, content='', contentless_delete=1, tokenize="ascii tokenchars ':'");--> statement-breakpoint
-- The row by which a sweep always finds something to merge; no text has its word.
INSERT INTO `texts`(rowid, words) VALUES (0, ':');
