/** The AWS operations that the watcher calls; also the `operation` label of `api_requests_total`. */
export const OPERATIONS = [
  'GetLifecycleExecution',
  'ListLifecycleExecutionResources',
  'ListLifecyclePolicies',
  'ListLifecycleExecutions',
  'GetCallerIdentity',
  'AssumeRole',
] as const;
export type Operation = (typeof OPERATIONS)[number];
