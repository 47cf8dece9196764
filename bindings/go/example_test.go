package taskbell_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	taskbell "github.com/taskbell/taskbell/bindings/go"
)

// Reports frames and the end of the queue, and waits until everybody knows.
func Example() {
	bell, err := taskbell.Open(os.Getenv("TASKBELL_CONFIG"))
	if err != nil {
		log.Fatal(err)
	}
	defer bell.Close(5 * time.Second)
	for frame := 1; frame <= 3; frame++ {
		if _, err := bell.TaskComplete(map[string]any{"name": fmt.Sprint("frame ", frame)}); err != nil {
			log.Print(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := bell.Flush(ctx); err != nil {
		log.Print(err)
	}
}
