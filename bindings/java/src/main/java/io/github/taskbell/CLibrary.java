package io.github.taskbell;

import com.sun.jna.Callback;
import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/**
 * The functions of taskbell.h. A test compares them with taskbell.abi.json. A {@code size_t} that a call writes fits into a
 * long, which is zero before.
 */
interface CLibrary extends Library {
    /** {@code size_t}. */
    final class Size extends IntegerType {
        private static final long serialVersionUID = 1;

        /** Zero, for JNA. */
        public Size() {
            this(0);
        }

        Size(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /** {@code taskbell_log_fn}. */
    interface Log extends Callback {
        /** Takes a line. */
        void invoke(Pointer userdata, int level, Pointer message);
    }

    int on_task_complete(byte[] task_json);

    int on_queue_end(byte[] queue_json);

    int taskbell_emit(Pointer bell, byte[] type, byte[] json, Size json_len, LongByReference ticket);

    int taskbell_metric(Pointer bell, byte[] name, double value);

    int taskbell_wait(Pointer bell, long ticket, int timeout_ms);

    int taskbell_sync(Pointer bell, int timeout_ms);

    int taskbell_flush(Pointer bell, int timeout_ms);

    int taskbell_poll(Pointer bell, byte[] buf, Size cap, LongByReference needed);

    int taskbell_stats(Pointer bell, byte[] buf, Size cap, LongByReference needed);

    int taskbell_set_log(Pointer bell, Log fn, Pointer userdata);

    int taskbell_init(byte[] config);

    int taskbell_shutdown(int timeout_ms);

    int taskbell_open(byte[] config, PointerByReference out);

    int taskbell_close(Pointer bell, int timeout_ms, LongByReference undelivered);

    int taskbell_reload(Pointer bell, byte[] config);

    int taskbell_check(byte[] config, byte[] buf, Size cap, LongByReference needed);

    int taskbell_preview(byte[] config, byte[] type, byte[] json, byte[] buf, Size cap, LongByReference needed);

    int taskbell_verify(byte[] scheme_json, byte[] headers_json, byte[] body, Size body_len, long now_unix_s);

    int taskbell_last_error(byte[] buf, Size cap, LongByReference needed);

    int taskbell_abi_version();

    Pointer taskbell_version();
}
