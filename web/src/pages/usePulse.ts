/** For a page that asks again now and then, for as long as it is open. */
import { useEffect, useState } from 'preact/hooks';

/** A number that rises every `period` milliseconds while the page can be seen. */
export function usePulse(period: number): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setCount((before) => before + 1), period);
    return () => clearInterval(timer);
  }, [period]);
  return count;
}
