CREATE TABLE `events` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`site` integer NOT NULL,
	`type` text NOT NULL,
	`conversation` integer,
	`message` integer,
	`user_a` integer,
	`user_b` integer,
	`desk` integer,
	`detail` text,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `conversations` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`type` text NOT NULL,
	`participant_one` integer NOT NULL,
	`participant_two` integer,
	`last_seq` integer DEFAULT 0 NOT NULL,
	`last_note_seq` integer DEFAULT 0 NOT NULL,
	`message_count` integer DEFAULT 0 NOT NULL,
	`sent_one` integer DEFAULT 0 NOT NULL,
	`sent_two` integer DEFAULT 0 NOT NULL,
	`seen_seq_one` integer DEFAULT 0 NOT NULL,
	`seen_seq_two` integer DEFAULT 0 NOT NULL,
	`read_seq_one` integer DEFAULT 0 NOT NULL,
	`read_seq_two` integer DEFAULT 0 NOT NULL,
	`unread_one` integer DEFAULT 0 NOT NULL,
	`unread_two` integer DEFAULT 0 NOT NULL,
	`archived_one` integer DEFAULT false NOT NULL,
	`archived_two` integer DEFAULT false NOT NULL,
	`metadata` text,
	`created_at` integer NOT NULL,
	`last_activity_at` integer NOT NULL,
	`active_minute` integer NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`site`,`participant_one`) REFERENCES `users`(`site`,`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`site`,`participant_two`) REFERENCES `users`(`site`,`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `conversations_id_unique` ON `conversations` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `conversations_by_pair` ON `conversations` (case when "participant_one" < "participant_two" then "participant_one" else "participant_two" end,case when "participant_one" < "participant_two" then "participant_two" else "participant_one" end) WHERE "conversations"."type" = 'p2p';--> statement-breakpoint
CREATE INDEX `conversations_by_one` ON `conversations` (`participant_one`,`site`);--> statement-breakpoint
CREATE INDEX `conversations_by_two` ON `conversations` (`participant_two`,`site`);--> statement-breakpoint
CREATE INDEX `conversations_by_activity` ON `conversations` (`site`,`active_minute`);--> statement-breakpoint
CREATE UNIQUE INDEX `conversations_by_site` ON `conversations` (`site`,`pk`);--> statement-breakpoint
CREATE TABLE `message_edits` (
	`pk` integer PRIMARY KEY NOT NULL,
	`message` integer NOT NULL,
	`text` text,
	`replaced_at` integer NOT NULL,
	FOREIGN KEY (`message`) REFERENCES `messages`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `message_edits_by_message` ON `message_edits` (`message`);--> statement-breakpoint
CREATE TABLE `messages` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`conversation` integer NOT NULL,
	`seq` integer NOT NULL,
	`note_seq` integer DEFAULT 0 NOT NULL,
	`sender` integer,
	`kind` text NOT NULL,
	`text` text,
	`reply_to` integer,
	`client_message_id` text,
	`client_digest` text,
	`metadata` text,
	`reacted` integer DEFAULT false NOT NULL,
	`edited_at` integer,
	`deleted_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`site`,`conversation`) REFERENCES `conversations`(`site`,`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_id_unique` ON `messages` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_client_id` ON `messages` (`client_message_id`,`conversation`,`sender`) WHERE "messages"."client_message_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_seq` ON `messages` (`conversation`,`seq`,`note_seq`);--> statement-breakpoint
CREATE TABLE `reactions` (
	`message` integer NOT NULL,
	`emoji` text NOT NULL,
	`user` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`message`, `emoji`, `user`),
	FOREIGN KEY (`message`) REFERENCES `messages`(`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user`) REFERENCES `users`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `reactions_by_user` ON `reactions` (`user`);--> statement-breakpoint
CREATE TABLE `api_keys` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`kind` text NOT NULL,
	`label` text NOT NULL,
	`hash` text NOT NULL,
	`shown` text,
	`hint` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	`revoked_at` integer,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_id_unique` ON `api_keys` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_hash_unique` ON `api_keys` (`hash`);--> statement-breakpoint
CREATE INDEX `api_keys_by_site` ON `api_keys` (`site`);--> statement-breakpoint
CREATE TABLE `one_time_links` (
	`pk` integer PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`hash` text NOT NULL,
	`site` integer NOT NULL,
	`user` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `one_time_links_hash_unique` ON `one_time_links` (`hash`);--> statement-breakpoint
CREATE INDEX `one_time_links_by_user` ON `one_time_links` (`site`,`kind`,`user`);--> statement-breakpoint
CREATE TABLE `site_days` (
	`pk` integer PRIMARY KEY NOT NULL,
	`site` integer NOT NULL,
	`day` text NOT NULL,
	`messages` integer DEFAULT 0 NOT NULL,
	`p2p_conversations` integer DEFAULT 0 NOT NULL,
	`tickets` integer DEFAULT 0 NOT NULL,
	`users` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `site_days_by_day` ON `site_days` (`site`,`day`);--> statement-breakpoint
CREATE TABLE `sites` (
	`pk` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`resource_id` text NOT NULL,
	`settings` text NOT NULL,
	`identity_secret` text NOT NULL,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `sites_id_unique` ON `sites` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `sites_by_resource_id` ON `sites` (`resource_id`);--> statement-breakpoint
CREATE TABLE `blocks` (
	`site` integer NOT NULL,
	`blocker` integer NOT NULL,
	`blocked` integer NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`blocker`, `blocked`),
	FOREIGN KEY (`site`,`blocker`) REFERENCES `users`(`site`,`pk`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`site`,`blocked`) REFERENCES `users`(`site`,`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE INDEX `blocks_of` ON `blocks` (`blocked`);--> statement-breakpoint
CREATE TABLE `ended_tokens` (
	`jti` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `ended_tokens_by_expiry` ON `ended_tokens` (`expires_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`pk` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`site` integer NOT NULL,
	`username` text NOT NULL,
	`username_key` text NOT NULL,
	`username_skeleton` text NOT NULL,
	`display_name` text,
	`display_skeleton` text,
	`email` text,
	`email_key` text,
	`avatar_url` text,
	`role` text NOT NULL,
	`permissions` text,
	`external_id` text,
	`metadata` text,
	`settings` text,
	`verified` integer NOT NULL,
	`made_by_server` integer NOT NULL,
	`ver` integer DEFAULT 1 NOT NULL,
	`first_call_at` integer,
	`device_hash` text,
	`password_hash` text,
	`suspended_at` integer,
	`suspended_until` integer,
	`suspended_reason` text,
	`erased_at` integer,
	`erasure_pending` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`site`) REFERENCES `sites`(`pk`) ON UPDATE no action ON DELETE no action
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_id_unique` ON `users` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_external_id` ON `users` (`site`,`external_id`) WHERE "users"."external_id" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_login` ON `users` (`site`,`email_key`) WHERE "users"."password_hash" is not null;--> statement-breakpoint
CREATE INDEX `users_of_desk` ON `users` (`site`,`role`) WHERE "users"."role" <> 'user';--> statement-breakpoint
CREATE INDEX `users_erasing` ON `users` (`pk`) WHERE "users"."erasure_pending" = 1;--> statement-breakpoint
CREATE INDEX `users_unclaimed` ON `users` (`created_at`) WHERE "users"."first_call_at" is null and "users"."verified" = 0;--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_site` ON `users` (`site`,`pk`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_by_name` ON `users` (`site`,`username_key`);