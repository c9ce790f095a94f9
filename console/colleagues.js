// The names of the team: read once, and again when somebody acts whom nobody here knows. No DOM in here.

export class Colleagues {
  #read;
  #loaded;
  #asked = new Set();
  #loading = null;

  /**
   * `read()` gives `{members, former, teams}`; `loaded(colleagues)` gets a map from agent to `{name, role, numbers}`:
   * `role` is null for who left, `numbers` for who sees all of them.
   */
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
    const people = await this.#read().catch(() => null);
    if (!people) return;
    // Who has erased the account has no name any more.
    const left = (people.former ?? []).filter(({ name }) => name).map(({ agent, name }) => [agent, { name, role: null }]);
    this.#loaded(new Map([...left, ...people.members.map(({ agent, name, role, limit }) => [agent, { name, role, numbers: numbersOf(limit, people.teams) }])]));
  }
}

/** The numbers that a limit names, by itself and by teams; null for all. */
function numbersOf(limit, teams = []) {
  if (!limit) return null;
  return [...limit.numbers, ...teams.filter(({ team_id }) => limit.teams.includes(team_id)).flatMap(({ numbers }) => numbers)];
}
