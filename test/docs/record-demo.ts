/**
 * Records `npm run demo` on a terminal and writes it as an animated picture, docs/demo.svg. Needs `script` of util-linux.
 *
 * Each line of the recording appears when the demo printed it. The last line of the window shows the totals.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';

const COLUMNS = 120;
const ROWS = 26;
const CHARACTER = 7.8;
const LINE = 18;
const MARGIN = 14;
/** How long the end of the recording stays before it begins again. */
const END_SECONDS = 6;
/** The demo waits for the first end; a reader does not. */
const FASTER = 2;
const COLOURS: Readonly<Record<string, string>> = {
  '1': 'bold',
  '2': 'dim',
  '31': 'red',
  '32': 'green',
  '33': 'yellow',
  '35': 'magenta',
  '36': 'cyan',
};
/** Codes that end bold, dim and colours. */
const ENDS = new Set(['0', '22', '39']);
const ERASE_LINE = '\r\u001b[2K';
const STYLE_CODE = /\u001b\[(\d+)m/; // eslint-disable-line no-control-regex -- it is what a terminal receives

interface TimedText {
  readonly at: number;
  readonly text: string;
}

/** Runs the demo on a terminal of its own. Returns what it printed, and the seconds after which it did. */
async function record(): Promise<readonly TimedText[]> {
  const command = `stty cols ${COLUMNS} rows ${ROWS}; node src/launch.js demo --seconds 20`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', FORCE_COLOR: '1' },
  });
  const chunks: TimedText[] = [{ at: 0, text: '$ npm ci && npm run demo\n' }];
  const startedAt = performance.now();
  for await (const chunk of child.stdout.setEncoding('utf8'))
    chunks.push({ at: (performance.now() - startedAt) / 1000 / FASTER, text: String(chunk) });
  return chunks;
}

/** Separates the lines that stay from the totals, which each print erases and writes again. */
function separate(chunks: readonly TimedText[]) {
  const lines: TimedText[] = [];
  const totals: TimedText[] = [];
  let rest = '';
  for (const { at, text } of chunks) {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts)
      lines.push({ at, text: part.replaceAll('\r', '').split('\u001b[2K').at(-1) ?? '' });
    totals.push({ at, text: rest.split(ERASE_LINE).at(-1) ?? '' });
  }
  return { lines, totals: totals.filter(({ text }, index) => text !== totals[index - 1]?.text) };
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Returns the SVG text spans of a line with its colours. */
function spansOf(text: string): string {
  let style = '';
  const parts = text.split(STYLE_CODE).map((part, index) => {
    if (index % 2 === 1) style = ENDS.has(part) ? '' : (COLOURS[part] ?? '');
    else if (part !== '') return `<tspan class="${style}">${escaped(stripVTControlCharacters(part))}</tspan>`;
    return '';
  });
  return parts.join('').replaceAll(' class=""', '');
}

function picture({ lines, totals }: ReturnType<typeof separate>): string {
  const length = (lines.at(-1)?.at ?? 0) + END_SECONDS;
  const percent = (at: number) => `${((at / length) * 100).toFixed(2)}%`;
  const scrolled = lines.flatMap(({ at }, index) =>
    index < ROWS - 1 ? [] : [`${percent(at)}{transform:translateY(${(ROWS - 2 - index) * LINE}px)}`],
  );
  const appear = (name: string, from: number, to = length) =>
    `@keyframes ${name}{0%{opacity:0}${percent(from)}{opacity:1}${to < length ? `${percent(to)}{opacity:0}` : ''}}#${name}{animation-name:${name}}`;
  const rules = [
    ...lines.map(({ at }, index) => appear(`l${index}`, at)),
    ...totals.map(({ at }, index) => appear(`t${index}`, at, totals[index + 1]?.at)),
  ];
  const textOf = (id: string, text: string, y: number) => `<text id="${id}" y="${y}">${spansOf(text)}</text>`;
  const width = Math.round(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = ROWS * LINE + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The demo in a terminal: executions change their status, the watcher reports each change, and nothing is lost">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d6dbe3;white-space:pre}
.bold{font-weight:bold}.dim{fill:#8b95a5}.red{fill:#ff7b72}.green{fill:#6fdd8b}.yellow{fill:#e3b341}.magenta{fill:#d2a8ff}.cyan{fill:#76d9e6}
g g text,text{animation:${length.toFixed(2)}s step-end infinite}
#scroll{animation:scroll ${length.toFixed(2)}s step-end infinite}
@keyframes scroll{0%{transform:none}${scrolled.join('')}}
${rules.join('\n')}
</style>
<rect width="100%" height="100%" rx="8" fill="#10151d"/>
<svg x="${MARGIN}" y="${MARGIN}" width="${width - 2 * MARGIN}" height="${(ROWS - 1) * LINE}"><g id="scroll">
${lines.map(({ text }, index) => textOf(`l${index}`, text, (index + 1) * LINE - 5)).join('\n')}
</g></svg>
<g transform="translate(${MARGIN} ${MARGIN})">
${totals.map(({ text }, index) => textOf(`t${index}`, text, ROWS * LINE - 5)).join('\n')}
</g>
</svg>
`;
}

const recording = separate(await record());
await writeFile(new URL('../../docs/demo.svg', import.meta.url), picture(recording));
