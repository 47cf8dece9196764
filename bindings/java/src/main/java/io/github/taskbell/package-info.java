/**
 * Reports what happens in a long-running program to the Taskbell library, which sends signed, retried webhooks from its
 * own threads and keeps them over a crash. {@link io.github.taskbell.Bell} is an instance with a configuration of its own,
 * {@link io.github.taskbell.Taskbell} has the process-wide default one.
 */
package io.github.taskbell;
