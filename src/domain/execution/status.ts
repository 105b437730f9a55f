/** The statuses of a lifecycle execution that AWS documents. */
export const STATUSES = ['PENDING', 'IN_PROGRESS', 'CANCELLING', 'SUCCESS', 'FAILED', 'CANCELLED'] as const;
export type Status = (typeof STATUSES)[number];

/** The statuses that end an execution. */
export const FINAL_STATUSES = ['SUCCESS', 'FAILED', 'CANCELLED'] as const satisfies readonly Status[];
export type FinalStatus = (typeof FINAL_STATUSES)[number];

/** Reports whether AWS documents `status`. */
export function isKnown(status: string): status is Status {
  return (STATUSES as readonly string[]).includes(status);
}

/** Reports whether `status` ends an execution. PENDING and undocumented statuses do not. */
export function isFinal(status: string): status is FinalStatus {
  return (FINAL_STATUSES as readonly string[]).includes(status);
}

/** The values for a status in metric labels: a closed list, so that new statuses of AWS do not add series. */
export const STATUS_LABELS = [...STATUSES, 'UNKNOWN', 'OTHER'] as const;
export type StatusLabel = (typeof STATUS_LABELS)[number];

/** Returns the metric label of a status: UNKNOWN before the first look, OTHER for an undocumented status. */
export function statusLabel(status: string | undefined): StatusLabel {
  if (status === undefined) return 'UNKNOWN';
  return isKnown(status) ? status : 'OTHER';
}
