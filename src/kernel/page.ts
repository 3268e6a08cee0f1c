import { pageLimitDefault } from './limits.ts';

/** Page is the list shape of the seed: the rows, how many there are in all, and where this page stands. */
export interface Page<T> {
	data: T[];
	total: number;
	page: number;
	limit: number;
	totalPages: number;
}

/** paging is what a query asks for, with the rows to skip before its page. */
export const paging = ({
	page = 1,
	limit = pageLimitDefault,
}: {
	page?: number | undefined;
	limit?: number | undefined;
}) => ({
	page,
	limit,
	offset: (page - 1) * limit,
});

/** pageOf puts rows into a Page. `totalPages` is 0 for an empty list. */
export const pageOf = <T>(data: T[], total: number, { page, limit }: { page: number; limit: number }): Page<T> => ({
	data,
	total,
	page,
	limit,
	totalPages: Math.ceil(total / limit),
});
