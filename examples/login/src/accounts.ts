import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

interface Account {
  readonly salt: Buffer
  readonly hash: Buffer
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt)

/** Who may sign in. Passwords are not kept, only what tells whether one is right. */
export class Accounts {
  readonly #accounts = new Map<string, Account>()
  /** Compared with where there is no such account: a wrong name takes as long as a wrong password. */
  readonly #nobody: Account = { salt: randomBytes(16), hash: randomBytes(32) }

  async add(name: string, password: string): Promise<void> {
    const salt = randomBytes(16)
    this.#accounts.set(name, { salt, hash: await derive(password, salt, 32) })
  }

  async isRight(name: string, password: string): Promise<boolean> {
    const { salt, hash } = this.#accounts.get(name) ?? this.#nobody
    return timingSafeEqual(await derive(password, salt, 32), hash)
  }
}
