import { mountPage } from '../components/page.tsx';
import { Lost } from './not-found.tsx';

mountPage(Lost);
