import process from 'node:process'

/**
 * Has the process go on when nobody reads what it prints any more, or the disk is full: Node would end it by an exception,
 * in the middle of its answers (P52). What is printed meanwhile is lost. This stays so until the process ends: what is
 * printed last fails last.
 */
export function bearLostOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore)
  }
}

function ignore(): void {}
