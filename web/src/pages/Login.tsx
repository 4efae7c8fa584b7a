/** Who is there? Behind a right answer one is back where one was. */
import '../styles/login.css';
import { useEffect, useRef } from 'preact/hooks';
import type { PageProps } from '../pages';
import type { Login } from '../session';
import { TwinStars } from '../views/icons';

export default function LoginPage({ state, actions }: PageProps) {
  const user = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => user.current?.focus(), []);
  const { login, wall } = state;
  const waitS = login.kind === 'throttled' ? Math.max(0, Math.ceil((login.until - wall) / 1000)) : 0;

  function submit(event: SubmitEvent): void {
    event.preventDefault();
    if (login.kind === 'sent' || waitS > 0 || !(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    void actions.session.login(String(form.get('user')), String(form.get('password')));
    password.current?.select();
  }

  return (
    <main class="login">
      <form class="login-form panel" onSubmit={submit} aria-labelledby="login-title">
        <TwinStars />
        <h1 id="login-title">Log in to Pollux</h1>
        <p class="login-place">{location.host}</p>
        <label class="field">
          <span>User</span>
          <input ref={user} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required />
        </label>
        <label class="field">
          <span>Password</span>
          <input ref={password} name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="login-answer" role="alert" data-testid="login-answer">
          {answerText(login, waitS)}
        </p>
        <button type="submit" class="button button-main" disabled={login.kind === 'sent' || waitS > 0}>
          {login.kind === 'sent' ? 'Logging in …' : 'Log in'}
        </button>
      </form>
    </main>
  );
}

function answerText(login: Login, waitS: number): string {
  if (login.kind === 'refused') return login.why;
  if (login.kind === 'ended') return 'Your session has ended. Log in to go on.';
  return waitS > 0 ? `Too many attempts. Try again in ${waitS} s.` : '';
}
