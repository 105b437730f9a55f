import type { Notice, Notices } from '../../src/notices/notices.ts';

type Kind = Notice['kind'];

export interface RecordedNotices extends Notices {
  /** All notices of one kind, in the order in which they were published. */
  of<K extends Kind>(kind: K): readonly Extract<Notice, { readonly kind: K }>[];
}

/** A port that keeps every notice published to it. */
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
