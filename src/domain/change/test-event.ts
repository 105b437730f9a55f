import { TYPE_PREFIX, isoInstant } from './event.ts';

/** Returns a CloudEvent without content, to test whether an endpoint can be reached. `time` is in epoch milliseconds. */
export function endpointTestBody(endpoint: string, id: string, time: number): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: '/lifecycle-watcher',
    type: `${TYPE_PREFIX}endpoint.test`,
    subject: endpoint,
    time: isoInstant(time),
    datacontenttype: 'application/json',
    data: { endpoint },
  });
}
