// What the page uses of Preact's hooks, for the checker of types alone.
type Cleanup = void | (() => void);
export function useEffect(effect: () => Cleanup, inputs?: readonly unknown[]): void;
export function useLayoutEffect(effect: () => Cleanup, inputs?: readonly unknown[]): void;
export function useId(): string;
export function useReducer<S, A>(reducer: (state: S, action: A) => S, initial: S): [S, (action?: A) => void];
export function useRef<T>(initial: T): { current: T };
export function useState<S>(initial: S | (() => S)): [S, (next: S | ((before: S) => S)) => void];
