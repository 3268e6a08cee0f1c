const root = document.getElementById('swagger-ui');

const dark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches);
dark.addEventListener('change', paint);
paint();

const ui = SwaggerUIBundle({
	domNode: root,
	url: '/swagger/json',
	deepLinking: true,
	persistAuthorization: true,
	tryItOutEnabled: true,
	displayRequestDuration: true,
	defaultModelsExpandDepth: 0,
	// or it asks a foreign host for a badge
	validatorUrl: null,
	onComplete: () => {
		// a key that was entered before stays
		if (root.dataset.key && !ui.authSelectors.authorized().get('apiKey'))
			ui.preauthorizeApiKey('apiKey', root.dataset.key);
	},
});
