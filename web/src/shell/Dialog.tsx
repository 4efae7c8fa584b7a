/** Something that lies over the page until it is closed. The browser's own dialog keeps the focus in it and gives it
 *  back behind it. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  title: string;
  testid: string;
  close: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, testid, close, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  // with the drawing, so that what is typed right behind the key that opens it arrives in it
  useLayoutEffect(() => {
    const dialog = element.current;
    // what is not its content is the dark around it
    dialog?.addEventListener('click', ({ target }) => target === dialog && dialog.close());
    dialog?.showModal();
    // closed, it gives the focus back; taken away, it does not
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={element} class="dialog" aria-label={title} data-testid={testid} onClose={close}>
      <div class="dialog-body">{children}</div>
    </dialog>
  );
}
