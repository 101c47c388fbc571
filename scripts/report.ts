/** Prints one line per problem and makes the process fail, or says that all is well. */
export function report(problems: readonly string[], success: string): void {
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
  else console.log(success)
}
