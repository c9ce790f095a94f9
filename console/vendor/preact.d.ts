// What the page uses of Preact, for the checker of types alone.
export class Component<P = any, S = any> {
  props: P;
  state: S;
  setState(next: Partial<S>): void;
  forceUpdate(): void;
}
export function Fragment(properties: { children?: any }): any;
export function h(type: any, properties?: any, ...children: any[]): any;
export function render(vnode: any, parent: Node): void;
