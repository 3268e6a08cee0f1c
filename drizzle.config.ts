import { defineConfig } from 'drizzle-kit';

export default defineConfig({
	dialect: 'sqlite',
	schema: './src/modules/*/*.tables.ts',
	casing: 'snake_case',
	out: './drizzle',
});
