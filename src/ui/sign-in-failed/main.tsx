import { mountPage } from '../components/page.tsx';
import { SignInFailed } from './sign-in-failed.tsx';

mountPage(SignInFailed, 'site');
