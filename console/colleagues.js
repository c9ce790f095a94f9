// The names of the team: read once, and again when somebody acts whom nobody here knows. No DOM in here.

export class Colleagues {
  #read;
  #loaded;
  #asked = new Set();
  #loading = null;

  /** `read()` gives the members; `loaded(colleagues)` gets a map from agent to `{name, role}`. */
  constructor({ read, loaded }) {
    this.#read = read;
    this.#loaded = loaded;
  }

  /** Reads them. When that fails they stay as they are. */
  load() {
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** Reads them again if one of these agents is not `known`: for each agent once, as one may be a program's. */
  ensure(agents, known) {
    const strangers = agents.filter((agent) => agent && !known.has(agent) && !this.#asked.has(agent));
    if (strangers.length === 0) return;
    for (const agent of strangers) this.#asked.add(agent);
    this.load();
  }

  async #fetch() {
    const members = await this.#read().catch(() => null);
    if (members) this.#loaded(new Map(members.map(({ agent, name, role }) => [agent, { name, role }])));
  }
}
