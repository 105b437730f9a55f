/** Ctrl-C under npm arrives twice: once from the terminal, and once from npm, which passes it on. Both are one signal. */
const SAME_SIGNAL_MS = 1000;

/** Resolves at the first SIGTERM or SIGINT, with its name; a second one, a second later at the earliest, ends the process at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const stop = (name: NodeJS.Signals) => {
      firstAt ??= performance.now();
      if (performance.now() - firstAt >= SAME_SIGNAL_MS) process.exit(1);
      resolve(name);
    };
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, stop);
  });
}

/** Like `untilStopped`, with an abort signal that aborts at the same time. */
export function abortWhenStopped(): {
  readonly stopped: Promise<NodeJS.Signals>;
  readonly stopping: AbortSignal;
} {
  const controller = new AbortController();
  const stopped = untilStopped();
  void stopped.then(() => controller.abort());
  return { stopped, stopping: controller.signal };
}
