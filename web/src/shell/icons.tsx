/** The pictures of the shell; each only repeats the word beside it. */
import type { PageName } from '../route';
import type { ThemeChoice } from '../settings';

export function PageIcon({ page }: { page: PageName }) {
  return <Stroked path={PAGE_SHAPES[page]} size={22} />;
}

export function ThemeIcon({ choice }: { choice: ThemeChoice }) {
  return <Stroked path={THEME_SHAPES[choice]} size={18} />;
}

export function HelpIcon() {
  return (
    <Stroked
      path="M9 9.2a3 3 0 1 1 4.4 2.7c-.9.5-1.4 1.1-1.4 2.1M12 17.4v.2M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18Z"
      size={18}
    />
  );
}

export function FindIcon() {
  return <Stroked path="M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13ZM15.4 15.4 20.5 20.5" size={18} />;
}

function Stroked({ path, size }: { path: string; size: number }) {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} class="stroked" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

const PAGE_SHAPES: Record<PageName, string> = {
  plant: 'M3.5 4.5h6v6h-6ZM14.5 13.5h6v6h-6ZM9.5 7.5h8v6M6.5 10.5v6h8',
  twin: 'M3.5 17.5 8.5 11l4 3.5 8-9M3.5 20.5h17',
  whatif: 'M4 12h5M9 12c4 0 5-6 11-6M9 12h11M9 12c4 0 5 6 11 6',
  alarms: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15ZM10 21h4',
  connections: 'M8.5 3.5v5M15.5 3.5v5M6 8.5h12v3.5a6 6 0 0 1-12 0ZM12 18v3',
  system: 'M4 5h16v10H4ZM8.5 19.5h7M12 15v4.5M7 11.5l2.5-2.5 2.5 2 4.5-3.5',
  audit: 'M6 3.5h9l3.5 3.5v13.5H6ZM9.5 9.5h5.5M9.5 13h5.5M9.5 16.5h3.5',
  login: 'M10 4h9v16h-9M4 12h10M10.5 8.5 14 12l-3.5 3.5',
};

const THEME_SHAPES: Record<ThemeChoice, string> = {
  light:
    'M12 7.8a4.2 4.2 0 1 1 0 8.4a4.2 4.2 0 1 1 0-8.4ZM12 2.5v2.6M12 18.9v2.6M2.5 12h2.6M18.9 12h2.6M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M5.3 18.7l1.8-1.8M16.9 7.1l1.8-1.8',
  dark: 'M20 14.2A8.3 8.3 0 0 1 9.8 4a8.3 8.3 0 1 0 10.2 10.2Z',
  system: 'M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 1 1 0-17ZM12 3.5v17M12 7.5h6.8M12 12h8.5M12 16.5h6.8',
};
