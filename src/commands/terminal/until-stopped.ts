/** Resolves at the first SIGTERM or SIGINT, with its name; a second one ends the process at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        resolve(name);
        process.once(name, () => process.exit(1));
      });
    }
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
