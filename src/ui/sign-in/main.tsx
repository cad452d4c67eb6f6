import { mountPage } from '../components/page.tsx';
import { SignIn } from './sign-in.tsx';

mountPage(SignIn, 'central');
