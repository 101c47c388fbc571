/** Tells the bench that the server listens, and how much of the processor that took. */
export function reportStart(): void {
  const { user, system } = process.cpuUsage()
  process.send!(user + system)
}
