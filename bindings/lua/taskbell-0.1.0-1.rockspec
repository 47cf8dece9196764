rockspec_format = "3.0"
package = "taskbell"
version = "0.1.0-1"
source = {
   url = "git+https://github.com/taskbell/taskbell",
   tag = "v0.1.0",
   dir = "taskbell/bindings/lua",
}
description = {
   summary = "Signed, retried webhooks for long-running hosts",
   detailed = "Report what happened; the Taskbell library sends it from its own threads, and keeps it over a crash.",
   homepage = "https://github.com/taskbell/taskbell",
   license = "MIT",
}
dependencies = { "lua >= 5.1, < 5.5" }
build = {
   type = "builtin",
   modules = {
      ["taskbell"] = "taskbell/init.lua",
      ["taskbell.native_ffi"] = "taskbell/native_ffi.lua",
      ["taskbell.native_c"] = {
         sources = { "native_c.c", "taskbell_load.c" },
         incdirs = { "." },
         libraries = {},
      },
   },
   platforms = {
      linux = { modules = { ["taskbell.native_c"] = { libraries = { "dl" } } } },
   },
}
