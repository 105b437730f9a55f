/** The statuses that AWS publishes for a lifecycle execution, verbatim. */
export const STATUSES = ['PENDING', 'IN_PROGRESS', 'CANCELLING', 'SUCCESS', 'FAILED', 'CANCELLED'] as const;
export type Status = (typeof STATUSES)[number];

/** The statuses that nothing follows. */
export const FINAL_STATUSES = ['SUCCESS', 'FAILED', 'CANCELLED'] as const satisfies readonly Status[];
export type FinalStatus = (typeof FINAL_STATUSES)[number];

/** Whether `status` is one that AWS publishes. */
export function isKnown(status: string): status is Status {
  return (STATUSES as readonly string[]).includes(status);
}

/** Whether `status` ends an execution. PENDING and statuses nobody has published do not. */
export function isFinal(status: string): status is FinalStatus {
  return (FINAL_STATUSES as readonly string[]).includes(status);
}

/** What stands for a status in metric labels: a closed list, so that AWS cannot grow our series. */
export const STATUS_LABELS = [...STATUSES, 'UNKNOWN', 'OTHER'] as const;
export type StatusLabel = (typeof STATUS_LABELS)[number];

/** UNKNOWN before the first look, OTHER for a status nobody has published. */
export function statusLabel(status: string | undefined): StatusLabel {
  if (status === undefined) return 'UNKNOWN';
  return isKnown(status) ? status : 'OTHER';
}
