import type { AddressInfo } from 'node:net';
import { isLoopback } from '../../config/network.ts';
import { createFastify } from '../../http/fastify.ts';
import { Problem } from '../../http/problem.ts';
import type { Log } from '../../runtime/log.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { routes } from './control-routes.ts';
import type { Asked } from './control-routes.ts';

export interface Control extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves the control port: whoever reaches it rules the simulator, so it is for this machine alone. RangeError for an
 * address that is not a loopback one; rejects with Node's error where it cannot be listened on.
 */
export async function startControl(
  simulator: Simulator,
  { host, port }: { readonly host: string; readonly port: number },
  log: Log,
): Promise<Control> {
  if (!isLoopback(host)) throw new RangeError(`${host} is not a loopback address`);
  const app = createFastify(() => false, log);
  app.addHook('onRequest', ({ hostname }, _reply, done) => {
    // A page in a browser of this machine can be made to reach it by a name of its own.
    const isAskedSo = isLoopback(hostname.replace(/^\[|\]$/g, ''));
    done(isAskedSo ? undefined : new Problem('forbidden', { detail: 'Ask by a loopback address.' }));
  });
  for (const { method, path, status = 200, answer } of routes) {
    app.route({
      method,
      url: path,
      handler: ({ params, query, body }, reply) =>
        reply.code(status).send(answer(simulator, { params, query, body } as Asked)),
    });
  }
  await app.listen({ host, port });
  return {
    port: (app.server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => app.close(),
  };
}
