import { styleText } from 'node:util';

/** The part of a terminal or pipe that the view needs. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows lines as things happen: on a terminal in colour, above a line of totals at the bottom; in a pipe as plain text. */
export interface View {
  line(text: string): void;
  /** Shows a status change that arrived, `lagSeconds` after it happened if that is known. */
  change(executionId: string, from: string | null, to: string, lagSeconds: number | undefined): void;
  /** Shows the totals; in a pipe only every five seconds. */
  totals(text: string): void;
  /** Removes the totals. From then on changes are ignored, but `line` still works. */
  end(): void;
}

const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  SUCCESS: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
  CANCELLING: 'yellow',
  PENDING: 'cyan',
};
const PIPE_TOTALS_EVERY_MS = 5000;
const ERASE_LINE = '\r\u001b[2K';

export function createView(output: Output, now: () => number): View {
  const startedAt = now();
  const isTerminal = output.isTTY === true;
  const paint = (format: Parameters<typeof styleText>[0], text: string) =>
    isTerminal ? styleText(format, text) : text;
  const seconds = () => `${((now() - startedAt) / 1000).toFixed(1).padStart(6)} s`;
  let bottom = '';
  let hasEnded = false;
  let totalsShownAt = now();

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
      } else if (now() - totalsShownAt >= PIPE_TOTALS_EVERY_MS) {
        totalsShownAt = now();
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
