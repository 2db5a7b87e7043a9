// Where tasks of a loop's actors go on after an `await`. Swift resumes a continuation on the task's executor preference
// if it has one, else on the global pool: without this every database answer would take a detour over another thread and
// back (about 20 µs), and wait behind whatever else that pool runs. It is an object of its own, not the loop, because two
// actors on a loop that is itself a TaskExecutor call each other through an enqueue (architecture.md §2).

/// A preference for one loop: `Task(executorPreference: tasks) { … }`. Whoever starts such tasks keeps it alive.
package final class LoopTasks: TaskExecutor {
  private let loop: EventLoop

  package init(_ loop: EventLoop) { self.loop = loop }

  package func enqueue(_ job: consuming ExecutorJob) { loop.enqueue(job, preferring: asUnownedTaskExecutor()) }
}
