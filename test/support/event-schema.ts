import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { eventJsonSchema } from '../../src/wire/event.ts';

const PUBLISHED = new URL('../../config/event.schema.json', import.meta.url);

/** Returns the faults of an event; empty if it is valid. */
export type Validator = (event: unknown) => readonly string[];

function validatorOf(schema: object): Validator {
  const ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': isInstant } });
  const validate = ajv.compile(schema);
  return (event) => {
    validate(event);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
  };
}

const isInstant = (text: string) => !Number.isNaN(Date.parse(text));

/** Validates by the published schema, which allows members of later versions. */
export const publishedValidator = async () =>
  validatorOf(JSON.parse(await readFile(PUBLISHED, 'utf8')) as object);

/** Validates by the same schema, but refuses members that it does not describe. */
export const strictValidator = () => validatorOf(eventJsonSchema('output'));
