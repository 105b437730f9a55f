import { styleText } from 'node:util';

/** What of a terminal or pipe the view needs. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Live lines: on a terminal in colour above a line of totals that stays at the bottom, through a pipe plain. */
export interface View {
  line(text: string): void;
  /** One status change that arrived. `lagSeconds`: how long after it happened, where that is known. */
  change(executionId: string, from: string | null, to: string, lagSeconds: number | undefined): void;
  /** The totals; through a pipe only now and then. */
  totals(text: string): void;
  /** Takes the totals away; changes are not shown any more, plain lines still are. */
  end(): void;
}

const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  SUCCESS: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
  CANCELLING: 'yellow',
  PENDING: 'cyan',
};
const TELL_PIPE_EVERY_MS = 5000;
const ERASE_LINE = '\r\u001b[2K';

export function createView(output: Output, now: () => number): View {
  const startedAt = now();
  const isTerminal = output.isTTY === true;
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    isTerminal ? styleText(format, text) : text;
  const seconds = () => `${((now() - startedAt) / 1000).toFixed(1).padStart(6)} s`;
  let bottom = '';
  let hasEnded = false;
  let toldAt = now();

  function line(text: string): void {
    output.write(isTerminal ? `${ERASE_LINE}${text}\n${bottom}` : `${text}\n`);
  }

  return {
    line,
    change(executionId, from, to, lagSeconds) {
      if (hasEnded) return;
      const shortId = `lce-…${executionId.slice(-6)}`;
      const steps = `${(from ?? 'first look').padStart(11)} → ${paint(COLOURS[to] ?? 'magenta', to.padEnd(18))}`;
      const lag =
        lagSeconds === undefined ? '' : paint('dim', `seen ${lagSeconds.toFixed(1)} s after the end`);
      line(`${paint('dim', seconds())}  ${shortId}  ${steps} ${lag}`.trimEnd());
    },
    totals(text) {
      if (isTerminal) {
        bottom = paint('bold', `${seconds()}  ${text}`.slice(0, output.columns || 80));
        output.write(ERASE_LINE + bottom);
      } else if (now() - toldAt >= TELL_PIPE_EVERY_MS) {
        toldAt = now();
        output.write(`${seconds()}  ${text}\n`);
      }
    },
    end() {
      if (isTerminal) output.write(ERASE_LINE);
      bottom = '';
      hasEnded = true;
    },
  };
}
