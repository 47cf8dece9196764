package io.github.taskbell;

import com.sun.jna.Callback;
import com.sun.jna.CallbackThreadInitializer;
import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Calls the library through JNA, before Java 22. */
final class JnaLibrary implements InvocationHandler {
    private final Map<String, Function> functions = new HashMap<>();

    private JnaLibrary(NativeLibrary library) {
        for (Method function : CLibrary.class.getDeclaredMethods()) {
            functions.put(function.getName(), library.getFunction(function.getName()));
        }
    }

    /** {@code taskbell_log_fn}. */
    interface LogCallback extends Callback {
        /** Takes a line. */
        void invoke(Pointer userdata, int level, Pointer message);
    }

    /** The library of this path, or of this name where the system looks or in the jar. */
    static CLibrary open(String place) {
        ClassLoader loader = CLibrary.class.getClassLoader();
        InvocationHandler calls = new JnaLibrary(NativeLibrary.getInstance(place, loader));
        return (CLibrary) Proxy.newProxyInstance(loader, new Class<?>[] {CLibrary.class}, calls);
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) {
        Object[] given = arguments == null ? null : Arrays.stream(arguments).map(JnaLibrary::toC).toArray();
        Function function = functions.get(method.getName());
        if (method.getReturnType() == String.class) {
            return function.invokePointer(given).getString(0, "UTF-8");
        }
        return function.invoke(method.getReturnType(), given);
    }

    /** An argument as JNA passes it; it copies arrays in and out. */
    private static Object toC(Object argument) {
        if (argument instanceof CLibrary.Address address) {
            return address.value() == 0 ? Pointer.NULL : new Pointer(address.value());
        }
        if (argument instanceof CLibrary.Size size) {
            return size.ofBytes(Native.SIZE_T_SIZE);
        }
        if (argument instanceof CLibrary.Buffer buffer) {
            return buffer.bytes();
        }
        return argument instanceof Log log ? callback(log) : argument;
    }

    private static Callback callback(Log log) {
        LogCallback forward = (Pointer userdata, int level, Pointer message) ->
                log.line(level, () -> message.getString(0, "UTF-8"));
        // A daemon: it does not keep the program alive. It stays attached, as it calls again and again.
        Native.setCallbackThreadInitializer(forward, new CallbackThreadInitializer(true, false, "taskbell-log"));
        log.keep(forward);
        return forward;
    }
}
