import type { OpenTicket, TicketStatus } from '../modules/support/tickets.schema.ts';
import type { Colleague, Customer } from './demo-people.ts';

/** What has been said in a demo's last thirty days, oldest first. */

/** Who speaks, and the minutes since the one before. A note is for the team alone. */
type Line = [after: number, by: 'customer' | 'team' | 'note', text: string];

export interface TicketStory {
	/** How many days ago it was opened. */
	days: number;
	by: Customer;
	subject: string;
	category: string;
	priority?: OpenTicket['priority'];
	tags?: string[];
	/** Whose ticket it is; nobody's without. */
	to?: Colleague;
	text: string;
	talk?: Line[];
	/** Where it stands in the end, by hand of the team, and the minutes after the last line. */
	end?: [status: TicketStatus, after: number];
	rating?: [score: number, comment?: string];
}

export interface ChatStory {
	days: number;
	between: [Customer, Customer];
	/** 0: the first of the two speaks. */
	talk: [after: number, by: 0 | 1, text: string][];
}

export const cannedReplies = [
	{
		shortcut: 'hello',
		text: 'Hello, and thank you for writing. I am looking into it and will be back within the hour.',
	},
	{ shortcut: 'refund', text: 'Your refund is on its way. It takes three to five working days to reach your account.' },
	{
		shortcut: 'tracking',
		text: 'Here is how to follow your parcel: open Orders, choose the order, then Track parcel.',
	},
	{ shortcut: 'photos', text: 'Could you send us two photos: one of the whole bicycle and one of the damage?' },
	{ shortcut: 'solved', text: 'Glad that this is solved. If anything is left, just answer here.' },
] as const;

const tickets: TicketStory[] = [
	{
		days: 29.6,
		by: 'amara',
		subject: 'Order 2207 has not arrived',
		category: 'delivery',
		tags: ['parcel'],
		to: 'ada',
		text: 'Hi, my order 2207 was due on Friday and the tracking has not moved since.',
		talk: [
			[24, 'team', 'Hello Amara, I am asking the carrier where it is and will write again today.'],
			[190, 'team', 'It was held at the depot because the label was torn. It goes out tomorrow.'],
			[1500, 'customer', 'It is here, thank you!'],
		],
		end: ['resolved', 30],
		rating: [5, 'Quick and friendly.'],
	},
	{
		days: 28.3,
		by: 'tom',
		subject: 'Invoice with our VAT number',
		category: 'billing',
		to: 'sam',
		text: 'Could you send the invoice for order 2198 with our VAT number on it?',
		talk: [
			[55, 'team', 'Of course. Which number should it be?'],
			[140, 'customer', 'DE 811 209 445, thank you.'],
			[12, 'team', 'Done: the new invoice is in your account under Orders.'],
		],
		end: ['resolved', 60],
		rating: [4],
	},
	{
		days: 27.1,
		by: 'yuki',
		subject: 'Wrong pedals in the box',
		category: 'returns',
		tags: ['exchange'],
		to: 'jonas',
		text: 'I ordered flat pedals, and clipless ones came.',
		talk: [
			[40, 'team', 'Sorry about that, Yuki. The right ones leave today; keep the others, we pay for the way back.'],
			[2600, 'customer', 'They fit. All good now.'],
		],
		end: ['resolved', 25],
		rating: [5],
	},
	{
		days: 25.4,
		by: 'priya',
		subject: 'How do I change my listing’s price?',
		category: 'selling',
		priority: 'low',
		to: 'ada',
		text: 'I want to lower the price of my city bike but cannot find the button.',
		talk: [[18, 'team', 'Open My listings, choose the bike, then Edit. The price is the second field.']],
		end: ['resolved', 300],
	},
	{
		days: 23.8,
		by: 'carlos',
		subject: 'Charged twice',
		category: 'billing',
		priority: 'high',
		tags: ['refund'],
		to: 'sam',
		text: 'My card shows two payments of 349 for the same bike.',
		talk: [
			[9, 'team', 'Hello Carlos, I see both. The second one is reversed now.'],
			[3, 'note', 'Same as last week: the payment page was sent twice. Told the developers.'],
			[2900, 'customer', 'The money is back. Thank you for being so fast.'],
		],
		end: ['closed', 15],
		rating: [5, 'Answered within ten minutes!'],
	},
	{
		days: 22.2,
		by: 'freya',
		subject: 'Frame size for 1.70 m',
		category: 'advice',
		priority: 'low',
		to: 'jonas',
		text: 'I am 1.70 m. Is a 54 frame too large for me?',
		talk: [
			[75, 'team', 'A 52 would be my choice for a road bike; on a gravel bike 54 can be fine too.'],
			[600, 'customer', 'Good to know, I will try the 52.'],
		],
		end: ['resolved', 40],
		rating: [4],
	},
	{
		days: 20.5,
		by: 'omar',
		subject: 'The seller does not answer',
		category: 'buying',
		tags: ['seller'],
		to: 'ada',
		text: 'I paid for a cargo bike four days ago and the seller has not written back.',
		talk: [
			[35, 'team', 'I have reminded them. If nothing comes by tomorrow noon you get your money back.'],
			[1300, 'team', 'No answer, so the payment is returned to you. I am sorry for the trouble.'],
			[240, 'customer', 'A pity, but thank you.'],
		],
		end: ['resolved', 20],
		rating: [3, 'Solved, but I wanted that bike.'],
	},
	{
		days: 18.7,
		by: 'grace',
		subject: 'Can you ship to Ireland?',
		category: 'delivery',
		to: 'jonas',
		text: 'Do you ship frames to Ireland, and what does it cost?',
		talk: [[120, 'team', 'We do: 39 for a frame, 79 for a whole bicycle, about five days.']],
		end: ['resolved', 500],
	},
	{
		days: 17.3,
		by: 'tom',
		subject: 'Helmet came with a crack',
		category: 'returns',
		priority: 'high',
		tags: ['refund', 'photos'],
		to: 'ada',
		text: 'The helmet has a crack at the side, straight out of the box.',
		talk: [
			[14, 'team', 'Please do not wear it. A new one leaves this afternoon.'],
			[1700, 'customer', 'New one is here and whole. Thanks.'],
		],
		end: ['resolved', 45],
		rating: [5],
	},
	{
		days: 15.9,
		by: 'ines',
		subject: 'Delete my old account',
		category: 'account',
		priority: 'low',
		to: 'sam',
		text: 'I have two accounts. Please delete the one with my old address.',
		talk: [
			[260, 'team', 'Done. Only this one is left.'],
			[50, 'customer', 'Perfect.'],
		],
		end: ['closed', 10],
		rating: [5],
	},
	{
		days: 13.6,
		by: 'marek',
		subject: 'Brakes squeal after the first ride',
		category: 'advice',
		to: 'jonas',
		text: 'New disc brakes, terrible noise. Is that normal?',
		talk: [
			[95, 'team', 'Brake hard ten times from 20 km/h to settle the pads in. If it stays, write again.'],
			[2100, 'customer', 'Silence! Great tip.'],
		],
		end: ['resolved', 60],
		rating: [5, 'Knows bicycles.'],
	},
	{
		days: 12.1,
		by: 'amara',
		subject: 'Gift card does not work',
		category: 'billing',
		to: 'ada',
		text: 'The code of my gift card is refused at checkout.',
		talk: [
			[22, 'team', 'The zero in it is an O. Could you try again?'],
			[16, 'customer', 'That was it. Embarrassing!'],
		],
		end: ['resolved', 5],
		rating: [5],
	},
	{
		days: 10.4,
		by: 'priya',
		subject: 'My photos are shown sideways',
		category: 'selling',
		priority: 'low',
		tags: ['bug'],
		to: 'sam',
		text: 'Photos from my phone are turned by 90 degrees in the listing.',
		talk: [
			[210, 'team', 'We found the reason, and it is mended since this morning.'],
			[5, 'note', 'Fixed in release 41.'],
			[900, 'customer', 'Looks right now.'],
		],
		end: ['resolved', 30],
		rating: [4],
	},
	{
		days: 8.8,
		by: 'carlos',
		subject: 'Pick up at the shop instead',
		category: 'delivery',
		to: 'jonas',
		text: 'Can I fetch order 2301 myself on Saturday?',
		talk: [[48, 'team', 'Yes, from 10 to 16 at Canal Street 4. Bring the order number.']],
		end: ['resolved', 2000],
		rating: [5],
	},
	{
		days: 6.2,
		by: 'yuki',
		subject: 'Return within 30 days',
		category: 'returns',
		to: 'ada',
		text: 'The saddle is not for me. How do I send it back?',
		talk: [
			[31, 'team', 'A label is in your inbox. Drop it at any parcel shop.'],
			[1400, 'customer', 'Sent today.'],
			[1100, 'team', 'It has arrived, and your refund is on its way.'],
		],
		end: ['resolved', 20],
		rating: [4],
	},
	{
		days: 5.1,
		by: 'grace',
		subject: 'Size of the child seat',
		category: 'advice',
		to: 'jonas',
		text: 'Is the child seat good for a four-year-old of 17 kg?',
		talk: [[64, 'team', 'Yes, it carries up to 22 kg.']],
		end: ['resolved', 700],
	},
	{
		days: 4.3,
		by: 'freya',
		subject: 'Tracking number is unknown',
		category: 'delivery',
		tags: ['parcel'],
		to: 'ada',
		text: 'The carrier says that my tracking number does not exist.',
		talk: [
			[41, 'team', 'The parcel is handed over tonight; from then on the number works. Could you look again tomorrow?'],
		],
		end: ['waiting', 2],
	},
	{
		days: 3.4,
		by: 'omar',
		subject: 'Battery drains over night',
		category: 'advice',
		priority: 'high',
		tags: ['e-bike', 'warranty'],
		to: 'sam',
		text: 'My e-bike loses 20 percent over night without being used.',
		talk: [
			[26, 'team', 'That is too much. Which firmware does the display show?'],
			[310, 'customer', 'It says 2.1.8.'],
			[4, 'note', '2.1.8 is the one with the standby fault. The warranty covers the update.'],
			[30, 'team', 'There is an update for that. May we book you in at the workshop this week?'],
		],
	},
	{
		days: 2.7,
		by: 'marek',
		subject: 'Discount for a club of twelve',
		category: 'buying',
		to: 'jonas',
		text: 'Our club wants twelve sets of lights. Is there a price for that?',
		talk: [
			[88, 'team', 'There is: 15 percent from ten sets on. Shall I prepare an offer?'],
			[900, 'customer', 'Yes please, to the address of the club.'],
		],
	},
	{
		days: 1.9,
		by: 'ines',
		subject: 'Card is refused at checkout',
		category: 'billing',
		priority: 'high',
		tags: ['payment'],
		to: 'sam',
		text: 'Two cards, both refused. Both work everywhere else.',
		talk: [
			[7, 'team', 'Thank you for telling us. Does it happen right after the code by text message?'],
			[52, 'customer', 'Yes, exactly then.'],
		],
		end: ['in_progress', 5],
	},
	{
		days: 1.2,
		by: 'tom',
		subject: 'Is the warranty for the second owner too?',
		category: 'buying',
		priority: 'low',
		text: 'If I buy a used bike here, does the maker’s warranty come with it?',
	},
	{
		days: 0.5,
		by: 'amara',
		subject: 'Change the delivery address',
		category: 'delivery',
		text: 'I am moving on Monday. Can order 2344 still go to the new place?',
	},
	{
		days: 0.2,
		by: 'priya',
		subject: 'A buyer asks me to pay outside',
		category: 'selling',
		priority: 'high',
		tags: ['safety'],
		text: 'Somebody wants my bank details and says that your payment does not work. Is that real?',
	},
	{
		days: 0.06,
		by: 'nina',
		subject: 'Inspection before I buy',
		category: 'buying',
		tags: ['inspection'],
		to: 'sam',
		text: 'Hi! I would like to buy Leo’s touring bike. Can your workshop look at it before I pay?',
		talk: [
			[
				11,
				'team',
				'Hello Nina, gladly. It costs 25, and Leo would bring it in. The money waits with us until you agree.',
			],
			[9, 'note', 'Leo has sold four bikes with us, all with five stars.'],
			[14, 'customer', 'That sounds good. Is Thursday possible?'],
		],
	},
];
export const ticketStories: readonly TicketStory[] = tickets;

const chats: ChatStory[] = [
	{
		days: 26.5,
		between: ['tom', 'priya'],
		talk: [
			[0, 0, 'Hi, does the city bike come with the basket?'],
			[33, 1, 'Yes, basket and lock are part of it.'],
			[12, 0, 'Great, I take it. Saturday at eleven?'],
			[20, 1, 'Saturday at eleven.'],
		],
	},
	{
		days: 19.2,
		between: ['yuki', 'marek'],
		talk: [
			[0, 0, 'Would you sell the wheels without the frame?'],
			[240, 1, 'If somebody takes the frame, yes.'],
			[15, 0, 'Tell me when that happens!'],
			[5200, 1, 'The frame is gone. Wheels are yours for 180.'],
			[60, 0, 'Deal.'],
		],
	},
	{
		days: 14.8,
		between: ['freya', 'grace'],
		talk: [
			[0, 0, 'Is the child seat still there?'],
			[18, 1, 'It is. It was used one summer.'],
			[7, 0, 'Could you keep it until the weekend?'],
			[4, 1, 'Sure.'],
		],
	},
	{
		days: 9.3,
		between: ['carlos', 'leo'],
		talk: [
			[0, 0, 'How many kilometres has the gravel bike done?'],
			[50, 1, 'About 3 000, with a new chain since May.'],
			[9, 0, 'And the tyres?'],
			[3, 1, 'Front one new, rear one half.'],
			[1440, 0, 'I come by on Sunday.'],
		],
	},
	{
		days: 7.4,
		between: ['omar', 'amara'],
		talk: [
			[0, 0, 'Would you take 90 for the trailer?'],
			[130, 1, '100, and I bring it to you.'],
			[6, 0, 'Done.'],
		],
	},
	{
		days: 1.02,
		between: ['nina', 'leo'],
		talk: [
			[0, 0, 'Hi Leo! Is the touring bike still for sale?'],
			[17, 1, 'Hello Nina, yes it is. Bought in 2023, one owner.'],
			[4, 0, 'It looks lovely. Why do you sell it?'],
			[9, 1, 'I ride to work by train now, and it deserves better than the cellar.'],
			[2, 1, 'New chain and brake pads this spring, I have the bills.'],
			[1380, 0, 'I asked the workshop here whether they can look at it before I buy. Would that be fine?'],
			[21, 1, 'Sure, I can bring it in any day after five.'],
			[9, 0, 'Thursday perhaps? I am waiting for their word.'],
			[6, 1, 'Thursday works for me.'],
		],
	},
];
export const chatStories: readonly ChatStory[] = chats;
