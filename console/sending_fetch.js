// Sending a file: as `fetch` does it, but telling how much of it is on its way.

/** A `fetch` for one call that tells `onProgress(sent, total)`, in bytes. It gives what `call` in `http.js` needs of an answer. */
export function sendingFetch(onProgress, Request = XMLHttpRequest) {
  return (path, { method, headers, body, signal }) =>
    new Promise((resolve, reject) => {
      const request = new Request();
      const stop = () => request.abort();
      const end = (settle) => () => {
        signal.removeEventListener('abort', stop);
        settle();
      };
      request.open(method, path);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
      request.onload = end(() => {
        const { status, statusText, responseText } = request;
        resolve({ ok: status >= 200 && status < 300, status, statusText, text: async () => responseText });
      });
      request.onerror = end(() => reject(new TypeError('no answer')));
      request.onabort = end(() => reject(signal.reason ?? new DOMException('stopped', 'AbortError')));
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', stop);
      request.send(body);
    });
}
