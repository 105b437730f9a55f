import type { Notice, Notices } from '../../src/notices/notices.ts';

type Kind = Notice['kind'];

export interface RecordedNotices extends Notices {
  /** All notices of a kind, in the order in which they were published. */
  of<K extends Kind>(kind: K): readonly Extract<Notice, { readonly kind: K }>[];
}

/** Keeps every notice that is published. */
export function recordNotices(): RecordedNotices {
  const published: Notice[] = [];
  return {
    publish: (notice) => void published.push(notice),
    of<K extends Kind>(kind: K) {
      return published.filter(
        (notice): notice is Extract<Notice, { readonly kind: K }> => notice.kind === kind,
      );
    },
  };
}
