/* Starts a host, and ends it by TerminateProcess once a byte or an end comes on standard input:
   windows_kill HOST ARGUMENT… The host writes to the standard output of this program. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static void fail(const char *call) {
    fprintf(stderr, "%s: error %lu\n", call, GetLastError());
    ExitProcess(1);
}

int main(void) {
    /* What follows this program's own name, as it was quoted. */
    WCHAR *words = GetCommandLineW();
    WCHAR stop = *words == L'"' ? L'"' : L' ';
    do {
        ++words;
    } while (*words && *words != stop);
    do {
        ++words;
    } while (*words == L' ');
    STARTUPINFOW start = {.cb = sizeof start};
    PROCESS_INFORMATION host;
    if (!CreateProcessW(NULL, words, NULL, NULL, TRUE, 0, NULL, NULL, &start, &host)) {
        fail("CreateProcess");
    }
    char byte;
    DWORD read;
    ReadFile(GetStdHandle(STD_INPUT_HANDLE), &byte, 1, &read, NULL);
    if (WaitForSingleObject(host.hProcess, 0) == WAIT_OBJECT_0) {
        fail("the host had ended by itself");
    }
    if (!TerminateProcess(host.hProcess, 99)) {
        fail("TerminateProcess");
    }
    WaitForSingleObject(host.hProcess, INFINITE);
    DWORD code;
    GetExitCodeProcess(host.hProcess, &code);
    return code == 99 ? 0 : 1;
}
