package io.github.taskbell;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Calls the library through java.lang.foreign, which Java has since 22. This package is compiled for 17, so it finds
 * that API by its names.
 */
final class ForeignLibrary implements InvocationHandler {
    private static final Class<?> SEGMENT = type("MemorySegment");
    private static final Class<?> ARENA = type("Arena");
    private static final Class<?> LAYOUT = type("MemoryLayout");
    private static final Class<?> DESCRIPTOR = type("FunctionDescriptor");
    private static final Class<?> LINKER = type("Linker");
    private static final Class<?> LOOKUP = type("SymbolLookup");
    private static final Class<?> LAYOUTS = LAYOUT.arrayType();
    private static final Class<?> OPTIONS = type("Linker$Option").arrayType();

    private static final MethodHandle GLOBAL = method(ARENA, "global");
    private static final MethodHandle CONFINED = method(ARENA, "ofConfined");
    private static final MethodHandle AUTOMATIC = method(ARENA, "ofAuto");
    private static final MethodHandle CLOSE = method(ARENA, "close");
    private static final MethodHandle ALLOCATE = method(ARENA, "allocate", long.class, long.class);
    private static final MethodHandle AT = method(SEGMENT, "ofAddress", long.class);
    private static final MethodHandle BYTES = method(SEGMENT, "asByteBuffer");
    private static final MethodHandle SIZED = method(SEGMENT, "reinterpret", long.class);
    private static final MethodHandle STRING = method(SEGMENT, "getString", long.class);
    private static final MethodHandle RETURNING = method(DESCRIPTOR, "of", LAYOUT, LAYOUTS);
    private static final MethodHandle RETURNING_NOTHING = method(DESCRIPTOR, "ofVoid", LAYOUTS);
    private static final MethodHandle OPEN_PATH = method(LOOKUP, "libraryLookup", Path.class, ARENA);
    private static final MethodHandle OPEN_NAME = method(LOOKUP, "libraryLookup", String.class, ARENA);
    private static final MethodHandle FIND = method(LOOKUP, "find", String.class);
    private static final MethodHandle DOWNCALL = method(LINKER, "downcallHandle", SEGMENT, DESCRIPTOR, OPTIONS);
    private static final MethodHandle UPCALL =
            method(LINKER, "upcallStub", MethodHandle.class, DESCRIPTOR, ARENA, OPTIONS);

    private static final Object NO_OPTIONS = array(OPTIONS.componentType());
    private static final Object POINTER = constant("ADDRESS");
    private static final Object INT = constant("JAVA_INT");
    private static final Object LONG = constant("JAVA_LONG");
    private static final Object DOUBLE = constant("JAVA_DOUBLE");
    private static final int SIZE_T_SIZE = pointerSize();

    private final Object linker;
    private final Map<String, MethodHandle> functions = new HashMap<>();

    private ForeignLibrary(Object library) throws Throwable {
        linker = method(LINKER, "nativeLinker").invoke();
        for (Method function : CLibrary.class.getDeclaredMethods()) {
            String name = function.getName();
            Object symbol = ((Optional<?>) FIND.invoke(library, name))
                    .orElseThrow(() -> new UnsatisfiedLinkError("looking up function " + name + " failed"));
            Object[] layouts = Arrays.stream(function.getParameterTypes()).map(ForeignLibrary::layout).toArray();
            Object result = layout(function.getReturnType());
            Object descriptor = RETURNING.invoke(result, array(LAYOUT, layouts));
            MethodHandle call = (MethodHandle) DOWNCALL.invoke(linker, symbol, descriptor, NO_OPTIONS);
            MethodHandle spread = call.asType(call.type().generic()).asSpreader(Object[].class, layouts.length);
            functions.put(name, spread);
        }
    }

    /** The library of this path, or, without one, where the system looks or in the jar. */
    static CLibrary open(Path path) {
        ClassLoader loader = CLibrary.class.getClassLoader();
        try {
            InvocationHandler calls = new ForeignLibrary(path == null ? found() : opened(path));
            return (CLibrary) Proxy.newProxyInstance(loader, new Class<?>[] {CLibrary.class}, calls);
        } catch (Throwable fault) {
            throw unchecked(fault);
        }
    }

    private static Object opened(Path path) {
        try {
            return (Object) OPEN_PATH.invoke(path, (Object) GLOBAL.invoke());
        } catch (IllegalArgumentException fault) {
            // It does not say why; this does.
            System.load(path.toString());
            throw fault;
        } catch (Throwable fault) {
            throw unchecked(fault);
        }
    }

    private static Object found() throws Throwable {
        try {
            return (Object) OPEN_NAME.invoke(System.mapLibraryName("taskbell"), (Object) GLOBAL.invoke());
        } catch (IllegalArgumentException fault) {
            Object library = LibraryInJar.opened(ForeignLibrary::opened);
            if (library == null) {
                throw (Error) new UnsatisfiedLinkError(fault.getMessage()).initCause(fault);
            }
            return library;
        }
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
        MethodHandle function = functions.get(method.getName());
        int count = arguments == null ? 0 : arguments.length;
        Object[] given = new Object[count];
        Object arena = CONFINED.invoke();
        try {
            for (int at = 0; at < count; at++) {
                given[at] = toC(arena, arguments[at]);
            }
            Object result = (Object) function.invokeExact(given);
            for (int at = 0; at < count; at++) {
                if (arguments[at] instanceof CLibrary.Buffer buffer) {
                    bytes(given[at]).get(buffer.bytes());
                } else if (arguments[at] instanceof long[] out) {
                    out[0] = bytes(given[at]).getLong();
                }
            }
            return method.getReturnType() == String.class ? text(result) : result;
        } finally {
            CLOSE.invoke(arena);
        }
    }

    /** How C takes a value of this type. */
    private static Object layout(Class<?> type) {
        if (type == int.class) {
            return INT;
        }
        if (type == double.class) {
            return DOUBLE;
        }
        if (type == CLibrary.Size.class) {
            return SIZE_T_SIZE == Long.BYTES ? LONG : INT;
        }
        return type == long.class ? LONG : POINTER;
    }

    /** An argument as its layout wants it; what it points to lives as long as the arena, which is that of the call. */
    private Object toC(Object arena, Object argument) throws Throwable {
        if (argument == null) {
            return (Object) AT.invoke(0L);
        }
        if (argument instanceof CLibrary.Address address) {
            return (Object) AT.invoke(address.value());
        }
        if (argument instanceof byte[] text) {
            Object copy = ALLOCATE.invoke(arena, (long) text.length, 1L);
            bytes(copy).put(text);
            return copy;
        }
        if (argument instanceof CLibrary.Buffer buffer) {
            return (Object) ALLOCATE.invoke(arena, (long) buffer.bytes().length, 1L);
        }
        if (argument instanceof long[]) {
            return (Object) ALLOCATE.invoke(arena, (long) Long.BYTES, (long) Long.BYTES);
        }
        if (argument instanceof CLibrary.Size size) {
            return size.ofBytes(SIZE_T_SIZE);
        }
        return argument instanceof Log log ? stub(log) : argument;
    }

    /** What C calls for a log; freed when the log keeps it no longer. */
    private Object stub(Log log) throws Throwable {
        MethodType wanted = MethodType.methodType(void.class, SEGMENT, int.class, SEGMENT);
        MethodType own = MethodType.methodType(void.class, Log.class, Object.class, int.class, Object.class);
        MethodHandle line = MethodHandles.lookup().findStatic(ForeignLibrary.class, "line", own);
        Object descriptor = RETURNING_NOTHING.invoke(array(LAYOUT, POINTER, INT, POINTER));
        Object arena = AUTOMATIC.invoke();
        Object stub = UPCALL.invoke(linker, line.bindTo(log).asType(wanted), descriptor, arena, NO_OPTIONS);
        log.keep(stub);
        return stub;
    }

    private static void line(Log log, Object userdata, int level, Object message) {
        log.line(level, () -> text(message));
    }

    private static ByteBuffer bytes(Object segment) throws Throwable {
        return ((ByteBuffer) BYTES.invoke(segment)).order(ByteOrder.nativeOrder());
    }

    /** The text at a pointer that C gave, up to its NUL. */
    private static String text(Object pointer) {
        try {
            return (String) STRING.invoke((Object) SIZED.invoke(pointer, Long.MAX_VALUE), 0L);
        } catch (Throwable fault) {
            throw unchecked(fault);
        }
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName("java.lang.foreign." + name);
        } catch (ClassNotFoundException fault) {
            throw unchecked(fault);
        }
    }

    /** A method with every type as Object: the compiler knows none of that API. */
    private static MethodHandle method(Class<?> owner, String name, Class<?>... parameters) {
        try {
            MethodHandle found = MethodHandles.lookup().unreflect(owner.getMethod(name, parameters)).asFixedArity();
            return found.asType(found.type().generic());
        } catch (ReflectiveOperationException fault) {
            throw unchecked(fault);
        }
    }

    private static Object constant(String name) {
        try {
            return type("ValueLayout").getField(name).get(null);
        } catch (ReflectiveOperationException fault) {
            throw unchecked(fault);
        }
    }

    private static int pointerSize() {
        try {
            return ((Long) LAYOUT.getMethod("byteSize").invoke(POINTER)).intValue();
        } catch (ReflectiveOperationException fault) {
            throw unchecked(fault);
        }
    }

    private static Object array(Class<?> type, Object... items) {
        Object made = Array.newInstance(type, items.length);
        System.arraycopy(items, 0, made, 0, items.length);
        return made;
    }

    /** What need not be declared is passed on as it is; that API throws nothing else. */
    private static RuntimeException unchecked(Throwable fault) {
        if (fault instanceof Error error) {
            throw error;
        }
        return fault instanceof RuntimeException known ? known : new IllegalStateException(fault);
    }
}
