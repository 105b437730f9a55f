#!/usr/bin/env node
// The binary `lifecycle-watcher`. It is plain JavaScript, so that an old Node can read it and say what is wrong.
import { existsSync } from 'node:fs';

const NEEDED = 24;
const major = Number(process.versions.node.split('.')[0]);

if (major < NEEDED) {
  console.error(
    `lifecycle-watcher needs Node ${NEEDED} or newer; this is ${process.version} (${process.execPath})`,
  );
  process.exitCode = 1;
} else {
  // A clone has the source, which Node runs as it is. A package has only the build, since Node strips no types in packages.
  const source = new URL('./main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href);
}
