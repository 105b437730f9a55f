import { TYPE_PREFIX, isoInstant } from './event.ts';

/** A CloudEvent that tells of nothing: it shows whether an endpoint is reached. `time` is epoch milliseconds. */
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
