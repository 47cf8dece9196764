'use strict';
// The functions of include/taskbell.h that this package calls. A test compares them with include/taskbell.abi.json.

/** `uint8_t *` is text that is filled in, so that koffi passes a Buffer. */
module.exports = [
  'int32_t on_task_complete(const char *task_json)',
  'int32_t on_queue_end(const char *queue_json)',
  'int32_t taskbell_emit(void *bell, const char *type, const uint8_t *json, size_t json_len, _Out_ uint64_t *ticket)',
  'int32_t taskbell_metric(void *bell, const char *name, double value)',
  'int32_t taskbell_wait(void *bell, uint64_t ticket, uint32_t timeout_ms)',
  'int32_t taskbell_sync(void *bell, uint32_t timeout_ms)',
  'int32_t taskbell_flush(void *bell, uint32_t timeout_ms)',
  'int32_t taskbell_poll(void *bell, _Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'int32_t taskbell_stats(void *bell, _Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'int32_t taskbell_set_log(void *bell, void *fn, void *userdata)',
  'int32_t taskbell_poll_log(void *bell, _Out_ int32_t *level, _Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'int32_t taskbell_init(const char *config)',
  'int32_t taskbell_shutdown(uint32_t timeout_ms)',
  'int32_t taskbell_open(const char *config, _Out_ void **out)',
  'int32_t taskbell_close(void *bell, uint32_t timeout_ms, _Out_ uint64_t *undelivered)',
  'int32_t taskbell_reload(void *bell, const char *config)',
  'int32_t taskbell_check(const char *config, _Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'int32_t taskbell_preview(const char *config, const char *type, const char *json, _Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'int32_t taskbell_verify(const char *scheme_json, const char *headers_json, const uint8_t *body, size_t body_len, uint64_t now_unix_s)',
  'int32_t taskbell_last_error(_Out_ uint8_t *buf, size_t cap, _Out_ size_t *needed)',
  'uint32_t taskbell_abi_version(void)',
  'const char *taskbell_version(void)',
];
