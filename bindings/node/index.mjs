import taskbell from './index.cjs';

export const {
  Bell,
  TaskbellError,
  abiVersion,
  check,
  init,
  onQueueEnd,
  onTaskComplete,
  preview,
  shutdown,
  verify,
  version,
} = taskbell;
export default taskbell;
