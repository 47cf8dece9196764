// Package taskbell reports what happens in a long-running program to the Taskbell library, which sends signed, retried
// webhooks from its own threads and keeps them over a crash.
//
//	bell, err := taskbell.Open("taskbell.toml")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer bell.Close(5 * time.Second)
//	bell.TaskComplete(map[string]any{"name": "frame 12", "duration_s": 12.5})
//
// Every function may be called from any goroutine. A call that reports an event does not wait. The library is opened
// when the program runs: from the path in TASKBELL_LIBRARY, else where the system looks.
package taskbell
