import type { AddressInfo } from 'node:net';
import { isLoopback } from '../../runtime/host.ts';
import { createFastify } from '../../http/fastify.ts';
import { refuseWebPages } from '../../http/web-pages.ts';
import type { Log } from '../../runtime/log.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { routes } from './control-routes.ts';
import type { ControlRequest } from './control-routes.ts';

export interface Control extends AsyncDisposable {
  readonly port: number;
}

/**
 * Serves the control port. Anyone who reaches it controls the simulator, so it is for this machine only. Rejects with a
 * RangeError if the address is not a loopback one, and with Node's error if it cannot listen.
 */
export async function startControl(
  simulator: Simulator,
  { host, port }: { readonly host: string; readonly port: number },
  log: Log,
): Promise<Control> {
  if (!isLoopback(host)) throw new RangeError(`${host} is not a loopback address`);
  const app = createFastify(log);
  app.addHook('onRequest', ({ headers }, _reply, done) => {
    refuseWebPages(headers);
    done();
  });
  for (const { method, path, status = 200, answer } of routes) {
    app.route({
      method,
      url: path,
      handler: ({ params, query, body }, reply) =>
        reply.code(status).send(answer(simulator, { params, query, body } as ControlRequest)),
    });
  }
  await app.listen({ host, port });
  return {
    port: (app.server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => app.close(),
  };
}
