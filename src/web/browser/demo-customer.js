// Which chat a customer of the demo has open from the start; the widget takes these calls once it is there.
const { opens } = document.currentScript.dataset;
window.Parley = opens ? [['chatWith', { externalId: opens }]] : [];
