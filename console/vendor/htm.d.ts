// What the page uses of HTM, for the checker of types alone.
type Tag = (strings: TemplateStringsArray, ...values: any[]) => any;
declare const htm: { bind(h: (type: any, properties: any, ...children: any[]) => any): Tag };
export default htm;
