/** A Standard Webhooks secret for tests. */
export const WEBHOOK_SECRET = `whsec_${Buffer.from('a secret only for the tests.....').toString('base64')}`;
