import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { eventJsonSchema } from '../../src/http/event-schema.ts';

const PUBLISHED = new URL('../../config/event.schema.json', import.meta.url);

/** What is wrong with an event; empty where nothing is. */
export type Judge = (event: unknown) => readonly string[];

function judgeBy(schema: object): Judge {
  const ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': isInstant } });
  const validate = ajv.compile(schema);
  return (event) => {
    validate(event);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
  };
}

const isInstant = (text: string) => !Number.isNaN(Date.parse(text));

/** The schema that receivers get. */
export const publishedJudge = async () => judgeBy(JSON.parse(await readFile(PUBLISHED, 'utf8')) as object);

/** The same without room for anything that it does not describe. */
export const exactJudge = () => judgeBy(eventJsonSchema('output'));
